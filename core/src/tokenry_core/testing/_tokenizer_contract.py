"""Name, versions, configuration, spec and columns: what is known before any row is encoded."""

from __future__ import annotations

import json
import re

from tokenry_core import CONTRACT, Spec, Tokenizer, batch_ids
from tokenry_core.errors import MissingColumn, NotTrained

from ._compare import expect_same
from ._config import expect_documented, expect_round_trip, expect_strict
from ._promises import broken, expect, mentions, named, promised, raises, shown
from ._tokenizer_case import TokenizerCase

__all__ = ["ContractChecks"]


class ContractChecks:
    """Checks of what a tokenizer says of itself."""

    def test_is_a_tokenizer(self, case: TokenizerCase) -> None:
        with promised("a tokenizer has the attributes of the protocol", "Tokenizer"):
            for name in ("name", "contract", "encoding", "Config", "columns", "encode", "config"):
                getattr(case.tokenizer, name)
        try:
            kept = isinstance(case.fitted, Tokenizer)
        except Exception as error:
            broken("a trained tokenizer has a spec", named(error), "Spec")
        expect(kept, "it has what the protocol asks for", type(case.fitted).__name__, "Tokenizer")

    def test_name_and_versions(self, case: TokenizerCase) -> None:
        tokenizer = case.tokenizer
        good = re.fullmatch(r"[a-z][a-z0-9._-]*", str(tokenizer.name)) is not None
        promise = "a name is small letters, digits and . _ -, and begins with a letter"
        expect(good, promise, shown(tokenizer.name), "Tokenizer")
        promise = f"contract is the version that it follows: {CONTRACT}"
        expect(tokenizer.contract == CONTRACT, promise, shown(tokenizer.contract), "CONTRACT")
        good = type(tokenizer.encoding) is int and tokenizer.encoding >= 1
        expect(good, "encoding is a version from 1 on", shown(tokenizer.encoding), "Tokenizer")

    def test_config_survives_a_file(self, case: TokenizerCase) -> None:
        expect_round_trip(type(case.tokenizer).Config, case.tokenizer.config)

    def test_config_refuses_unknown_keys(self, case: TokenizerCase) -> None:
        expect_strict(type(case.tokenizer).Config, case.tokenizer.config)

    def test_every_option_is_documented(self, case: TokenizerCase) -> None:
        expect_documented(type(case.tokenizer).Config)

    def test_spec_is_known_before_data_or_not_trained(self, case: TokenizerCase) -> None:
        tokenizer = case.fresh()
        promise = "spec is known before data, or NotTrained is raised where training decides it"
        try:
            before = tokenizer.spec
        except NotTrained as error:
            expect(case.trains, promise, f"it needs no training, but: {error}", "Tokenizer.spec")
            return
        except Exception as error:
            broken(promise, named(error), "Tokenizer.spec")
        expect(isinstance(before, Spec), promise, shown(before), "Tokenizer.spec")
        after = case.fitted.spec
        promise = "a spec that is known before training stays as it is"
        expect(before == after, promise, f"{before} became {after}", "Tokenizer.spec")

    def test_spec_has_fields_of_different_names(self, case: TokenizerCase) -> None:
        keys = [key for field in case.fitted.spec.fields for key in field.keys]
        keys += ["ids", "id_col", *case.tokens.meta]
        promise = "a spec has fields, and every key of a batch is there once"
        good = case.fitted.spec.fields and len(set(keys)) == len(keys)
        expect(good, promise, ", ".join(keys), "Spec")

    def test_columns_are_columns_of_the_schema(self, case: TokenizerCase) -> None:
        promise = "columns(schema) gives names of the schema, each once, trained or not"
        schema = case.batch.schema
        with promised(promise, "Tokenizer.columns"):
            names = list(case.fresh().columns(schema))
        good = set(names) <= set(schema.names) and len(set(names)) == len(names)
        expect(good, promise, f"{names} of {schema.names}", "Tokenizer.columns")
        again = list(case.fitted.columns(schema))
        expect(names == again, promise, f"{names}, then {again}", "Tokenizer.columns")

    def test_other_columns_are_not_read(self, case: TokenizerCase) -> None:
        promise = "the columns that columns(schema) names are enough, in any order"
        needed = [*reversed(case.columns), batch_ids(case.batch)[1]]
        with promised(promise, "Tokenizer.columns"):
            tokens = case.fitted.encode(case.batch.select(needed))
        expect_same(case.tokens, tokens, promise, "Tokenizer.columns")

    def test_missing_column_is_named(self, case: TokenizerCase) -> None:
        promise = "a missing column is a MissingColumn that names it, unless it can be done without"
        for name in case.columns:
            rest = [other for other in case.batch.schema.names if other != name]
            batch = case.batch.select(rest)
            try:
                case.fitted.columns(batch.schema)
                case.fitted.encode(batch)
            except MissingColumn as error:
                found = f"MissingColumn without the name {name}: {error}"
                expect(mentions(str(error), name), promise, found, "require")
            except Exception as error:
                found = f'without "{name}": {named(error)}'
                broken(promise, found, "require")

    def test_encoding_without_any_column_names_one(self, case: TokenizerCase) -> None:
        if not case.columns:
            return
        rest = [name for name in case.batch.schema.names if name not in case.columns]
        batch = case.batch.select(rest)
        promise = "where no column is there, MissingColumn names one"
        with raises(MissingColumn, promise, "require", naming=case.columns):
            case.fitted.columns(batch.schema)
        with raises(MissingColumn, promise, "require", naming=case.columns):
            case.fitted.encode(batch)

    def test_untrained_says_not_trained(self, case: TokenizerCase) -> None:
        if not case.trains:
            return
        promise = "an untrained tokenizer raises NotTrained"
        with raises(NotTrained, promise, "Tokenizer.encode"):
            case.fresh().encode(case.batch)
        if hasattr(case.tokenizer, "state"):
            with raises(NotTrained, promise, "SupportsState.state"):
                case.fresh().state()

    def test_meta_is_plain(self, case: TokenizerCase) -> None:
        promise = "meta holds numbers, strings and lists of them"
        with promised(promise, "TokenBatch"):
            json.dumps(dict(case.tokens.meta), allow_nan=False)
