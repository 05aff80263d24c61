"""Image-set pair matching: the same individual, or not."""

__version__ = "0.1.0"

__all__: list[str] = []
