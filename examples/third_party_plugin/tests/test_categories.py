"""The kit checks every promise of the contract; below it, what is special to this tokenizer."""

import pytest
from tokenry_categories import CategoryTokenizer

from tokenry_core.testing import TokenizerCase, TokenizerTests

TYPES = ["G2V", "M5V", None, "G2V", "K0III", "M5V", "G2V", "ünknown", "", "M5V", "A0V", "O3If*"]
ROWS = {"id": list(range(len(TYPES))), "type": TYPES}


class TestContract(TokenizerTests):
    @pytest.fixture
    def case(self) -> TokenizerCase:
        return TokenizerCase(CategoryTokenizer(column="type", most=4), rows=ROWS)


def test_frequent_texts_get_the_first_ids() -> None:
    tokenizer = CategoryTokenizer(column="type", most=2).train(ROWS)
    tokens = tokenizer.encode({"id": [1, 2, 3, 4], "type": ["G2V", "M5V", "B8Ia", None]})
    assert tokens["category_tokens"].tolist() == [0, 1, 2, 3]


def test_equally_frequent_texts_are_in_order_of_the_alphabet() -> None:
    tokenizer = CategoryTokenizer(column="type").train({"id": [1, 2], "type": ["b", "a"]})
    assert tokenizer.encode({"id": [1], "type": ["a"]})["category_tokens"].tolist() == [0]
