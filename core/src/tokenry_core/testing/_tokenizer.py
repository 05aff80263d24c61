"""TokenizerTests: what every tokenizer promises."""

from __future__ import annotations

import pytest

from ._kit import Kit
from ._tokenizer_case import TokenizerCase
from ._tokenizer_contract import ContractChecks
from ._tokenizer_decode import DecodeChecks
from ._tokenizer_encode import EncodeChecks
from ._tokenizer_missing import MissingChecks
from ._tokenizer_state import StateChecks
from ._tokenizer_train import TrainChecks

__all__ = ["TokenizerTests"]


class TokenizerTests(
    ContractChecks, EncodeChecks, DecodeChecks, MissingChecks, StateChecks, TrainChecks, Kit
):
    """Checks a tokenizer against its contract; a subclass gives the fixture `case`.

    Abilities that a tokenizer does not have (training, decoding, a state) ask nothing of it.
    Where training takes long, let it be done once:

        @pytest.fixture(scope="class")
        @classmethod
        def case(cls): ...
    """

    @pytest.fixture
    def case(self) -> TokenizerCase:
        """The tokenizer and its rows: `return TokenizerCase(MyTokenizer(), rows=table)`."""
        raise NotImplementedError(
            f"{type(self).__qualname__} lacks the fixture `case`: define it, and let it return a"
            " tokenry_core.testing.TokenizerCase"
        )
