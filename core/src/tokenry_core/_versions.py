"""Versions that plugins and files are checked against."""

CONTRACT = 1
"""Version of the contracts in this package: raised when a plugin would have to change."""

FORMAT = 1
"""Version of the artifact format."""
