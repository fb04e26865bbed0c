"""The fixtures of all folders; what tests import lies in fixtures.py and fakes.py."""

import botocore.loaders
import botocore.session
from fixtures import make_sandbox, sandbox, world

__all__ = ["make_sandbox", "sandbox", "world"]

# botocore reads its service models anew for every session; read once, they cost a test half as much
LOADER = botocore.loaders.create_loader()
botocore.session.create_loader = lambda _path=None: LOADER
