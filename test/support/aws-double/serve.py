#!/usr/bin/env python3
"""The double of AWS for the resource graphs: a moto server with the shared shim's calls and those below.

python3 serve.py SHIM PORT: SHIM is the path of moto_shim.py, PORT a free port of the loopback address.
"""

import importlib.util
import os
import sys

os.environ.setdefault("MOTO_ACM_VALIDATION_WAIT", "1")  # certificates are issued after a second, not a minute

shim, port = sys.argv[1:]
# moto reads from the module's name of an error which service it belongs to; the shim's own errors are EC2's.
specification = importlib.util.spec_from_file_location("moto.ec2.shim", shim)
module = importlib.util.module_from_spec(specification)
specification.loader.exec_module(module)

import balancers  # noqa: E402,F401: these patch moto
import budgets  # noqa: E402,F401
import codebuild  # noqa: E402,F401
import holdings  # noqa: E402,F401
import instances  # noqa: E402,F401
import storage  # noqa: E402,F401
from moto.server import main  # noqa: E402: the shim's settings must be there first

main(["-H", "127.0.0.1", "-p", port])
