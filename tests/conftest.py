"""The fixtures of all folders; what tests import lies in fixtures.py and fakes.py."""

from fixtures import make_sandbox, sandbox, world

__all__ = ["make_sandbox", "sandbox", "world"]
