"""docs/compatibility.md is complete and true: what the documents name is there, and is called."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tokenry.cli import main

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "compatibility.md").read_text(encoding="utf-8")
SECTIONS = {text.partition("\n")[0]: text for text in PAGE.split("\n## ")[1:]}
TESTS = "".join(
    path.read_text(encoding="utf-8")
    for path in (*HERE.glob("test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py"))
)

# What each document names, under the heading that it has on the page.
NAMES = {
    "QLTY pretokenizer_2d: user operations manual": """
        tokenize_patch build_sequence_pair extract_patch_pairs tokens1 tokens2 coords1 coords2
        overlap_mask1 overlap_mask2 overlap_indices1_to_2 overlap_indices2_to_1 overlap_fractions
        overlap_pairs sequence_lengths overlap_pair_counts
    """,
    "Astromodal Tokenizers, phase 4": """
        ScalarTokenizer SpectrumTokenizer ImageTokenizer BaseTokenizer load_config train encode save
        load is_fitted n_bins scalar_columns mag_filter_col mag_min mag_max apply_row_filter
        magerr_max apply_magerr_filter max_values_per_col max_values_per_file_per_col rng_seed
        codebook_size max_features_per_group max_rows_per_file max_points_per_row groups cutout_size
        bands latent_dim batch_size flux_ivar ztf_mag_err gaiaxpy_xp name kind flux_col ivar_col
        mag_col err_col time_col xp_band scalar_tokens scalar_cols ids id_col N_BINS tokens_NAME
        tokens_NAME_flat tokens_NAME_indptr image_tokens image_latents spectrum_kmeans_NAME.joblib
        autoencoder_splus_cuts.pt train_scalar_tokenizer.py encode_scalar_tokenizer.py
        train_spectrum_tokenizers.py encode_spectrum_tokens.py train_image.py test_tokenizers.py
    """,
    "Design document: parameter processing infrastructure": """
        Tokens TokenView TokenGenerator from_pytree select_tokens cross_attention_mask with_values
        decode decode_keys data labels self_attention_mask padding_mask functional_inputs slices
        label_map key_order independence sample_ndims batch_ndims parent selected_keys
        generate_static_dataset flatten_pytree decode_pytree update_flat_array
        build_self_attention_mask build_cross_attention_mask build_padding_mask
        flatten_functional_inputs flatten_blocks decode_theta _flatten_index flatten_structured
        local cross cross_local target_keys conditioning_keys
    """,
    "Image Pair Matching Model: implementation tasks": """
        GenericLambdaDataset GenericPytorchDataset GenericXYLambdaAutoLabelEncoderDataset
        from_dataframe from_list from_xy_lists extend_lambda_dict get_value_from_key_and_index df
        transforms columns PairSamplerDataset from_labeled_df set_a set_b label rng
        sample_positive_pair sample_negative_pair create_pair_dataset_from_labeled_df
        TokenExtractorBackbone get_token_dim get_num_tokens SetPoolingModule mean attention cls_mean
        ReasoningHead concat_mlp cross_attention siamese PairMatchingModel forward predict
        train_pair_matching_model PairMatchingLoss evaluate_pair_matching_model accuracy precision
        recall f1_score auc_roc auc_pr DMLModelManager get_model pair_matching_vit_b_16
        PairMatchingTrainer train evaluate save load vit_b_16
    """,
    "Regenerating DINO patches after the spatial alignment fix": """
        generate_approved_image_dataset.py --input-dir --output-jsonl --pass-filter --device
        --verbose migrate image_id image_path aspect_bucket create_webdataset_shards.py
        dinov3_patches 5329 5133
    """,
}


def here() -> list[str]:
    """Give the Python names of Tokenry on the page."""
    return sorted(set(re.findall(r"`(tokenry(?:_\w+)?\.[\w.]+)`", PAGE)))


@pytest.mark.parametrize("title", NAMES)
def test_every_name_of_a_document_is_on_the_page(title):
    whole, parts = (set(re.findall(word, SECTIONS[title])) for word in (r"[\w.-]+", r"\w+"))
    assert set(NAMES[title].split()) - whole - parts == set()


@pytest.mark.parametrize("name", here())
def test_every_name_on_the_page_is_there_and_is_called(name):
    parts = name.split(".")
    found = import_module(parts[0])
    for part in parts[1:]:
        found = getattr(found, part, None) or import_module(f"{found.__name__}.{part}")
    assert re.search(rf"\b{parts[-1]}\b", TESTS), f"no test uses {parts[-1]}"


@pytest.mark.parametrize("command", sorted(set(re.findall(r"`tokenry ([a-z -]+?)(?: --|`)", PAGE))))
def test_every_command_on_the_page_is_there(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: tokenry {command}")
