"""Cuts a text into the pieces that BERT was trained on: words in small letters, and parts of rare words."""

import unicodedata
from collections.abc import Iterator

LONGEST = 100  # letters of a word; a longer one is unknown
UNKNOWN, START, END = "[UNK]", "[CLS]", "[SEP]"
IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B920, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class Tokenizer:
    """Knows the numbers of the pieces."""

    def __init__(self, pieces: list[str]) -> None:
        self.numbers = {piece: number for number, piece in enumerate(pieces)}

    def numbered(self, text: str) -> list[int]:
        """Give the numbers of a text's pieces."""
        return [number for word in words(text) for number in self.pieces(word)]

    def framed(self, numbers: list[int]) -> list[int]:
        """Give them with the marks of a text's start and end, as the network knows texts."""
        return [self.numbers[START], *numbers, self.numbers[END]]

    def pieces(self, word: str) -> list[int]:
        """Cut a word, each time after the longest piece that is known; without any, it is unknown."""
        found: list[int] = []
        start = 0 if len(word) <= LONGEST else len(word)
        while start < len(word):
            for end in range(len(word), start, -1):
                number = self.numbers.get(("##" if start else "") + word[start:end])
                if number is not None:
                    break
            else:
                return [self.numbers[UNKNOWN]]
            found.append(number)
            start = end
        return found or [self.numbers[UNKNOWN]]


def words(text: str) -> Iterator[str]:
    """Give the words of a text in small letters without accents; marks and ideographs stand alone."""
    for run in "".join(map(spaced, text)).split():
        plain = (each for each in unicodedata.normalize("NFD", run) if unicodedata.category(each) != "Mn")
        yield from "".join(f" {each} " if is_mark(each) else each for each in lowered("".join(plain))).split()


def lowered(text: str) -> str:
    """Make letters small one by one: how they stand together makes no difference."""
    return "".join(map(str.lower, text))


def spaced(letter: str) -> str:
    """Put spaces around an ideograph, and nothing in the place of what cannot be seen."""
    if letter in "\t\n\r":
        return " "
    if letter == "\ufffd" or unicodedata.category(letter) in ("Cc", "Cf", "Co"):
        return ""
    return f" {letter} " if any(low <= ord(letter) <= high for low, high in IDEOGRAPHS) else letter


def is_mark(letter: str) -> bool:
    """Whether it is punctuation; of ASCII, all that is neither letter nor digit."""
    return (letter.isascii() and not letter.isalnum()) or unicodedata.category(letter).startswith("P")
