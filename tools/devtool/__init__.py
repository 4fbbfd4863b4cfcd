"""The developer's commands behind `tools/dev.py`. Standard library only: nothing is installed yet."""
