import numpy as np
import pyarrow as pa

from tokenry_dino._picture import pca_colors


def test_colors_are_the_main_components_of_the_embeddings():
    random = np.random.default_rng(0)
    patches = random.normal(size=(24, 8)) * [9, 5, 3, 1, 0.1, 0.1, 0.1, 0.1]
    colors = pca_colors(patches, 4, 6)
    assert colors.shape == (4, 6, 3)
    centred = patches - patches.mean(0)
    _, _, components = np.linalg.svd(centred)
    for channel, component in enumerate(components[:3]):
        component = component * np.sign(component[np.abs(component).argmax()])
        order = np.corrcoef(centred @ component, colors[..., channel].reshape(-1))[0, 1]
        assert order > 0.99


def test_colors_of_equal_patches_are_black():
    assert (pca_colors(np.ones((6, 5), np.float16), 2, 3) == 0).all()


def test_fewer_than_three_components_leave_channels_black():
    colors = pca_colors(np.random.default_rng(0).normal(size=(6, 2)), 2, 3)
    assert (colors[..., 2] == 0).all()
    assert (colors[..., :2] > 0).any()


def test_panels_show_the_first_images_that_have_patches(small, picture):
    tokenizer = small()
    images = [picture(seed=0), None, picture(seed=1), *[picture(seed=i) for i in range(2, 6)]]
    batch = pa.record_batch({"id": list(range(7)), "image": images})
    panels = list(tokenizer.panels(batch, tokenizer.encode_batch(batch)))
    assert [panel.title for panel in panels] == [f"Patches of {i}" for i in (0, 2, 3, 4)]
    assert all(panel.image.startswith(b"\x89PNG") for panel in panels)
    assert "4 x 6" in panels[0].caption


def test_there_are_no_panels_without_patches(small, picture):
    tokenizer = small(outputs=["cls"])
    batch = pa.record_batch({"id": [1], "image": [picture()]})
    assert list(tokenizer.panels(batch, tokenizer.encode_batch(batch))) == []
