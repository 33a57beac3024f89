"""What models share whose pictures are made by another one: a tokenizer, such as a VQ-VAE, with a file of its own."""

from __future__ import annotations

from typing import Any

from playground.models.network import Network


class OnTokenizer(Network):
    """A network over what a tokenizer makes of pictures; ``build_on`` gives it that tokenizer (``capabilities.BuildsOn``)."""

    tokenizer: Any  # None until it is given; not a part of this network's weights
    num_foundations: int = 1

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.__dict__["tokenizer"] = None

    def fits(self, tokenizer: Any) -> bool:
        """Whether this network was made for the tokenizer's codes."""
        raise NotImplementedError

    def build_on(self, tokenizer: Any) -> None:
        """Use this tokenizer for pictures.

        Raises:
            ValueError: the end of a sentence, if its codes are not the ones that this network is made for.
        """
        if not self.fits(tokenizer):
            raise ValueError("its codes are others than this model's")
        self.__dict__["tokenizer"] = tokenizer.eval().requires_grad_(False)

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        """The tokenizer goes where this network goes."""
        if self.tokenizer is not None:
            self.tokenizer._apply(fn, recurse)
        return super()._apply(fn, recurse)

    def its_tokenizer(self) -> Any:
        """The tokenizer.

        Raises:
            ValueError: one sentence, if there is none.
        """
        if self.tokenizer is None:
            raise ValueError(f"This {type(self).__name__} has no tokenizer to turn its codes into pictures.")
        return self.tokenizer

    @property
    def quantizer(self) -> Any:
        """The tokenizer's codebook."""
        return self.its_tokenizer().quantizer
