"""`python run.py SERVICE REMOVAL… [-- ARGUMENTS]`: a service with one protection switched off, for controls.

A build of the tests: it stands in no package of the product, and takes its protections away from outside.
"""

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import courier_removals  # beside this file, wherever it was copied to
import removals

service, *names = sys.argv[1:]
arguments = []
if "--" in names:
    at = names.index("--")
    names, arguments = names[:at], names[at + 1 :]
for name in names:
    found = getattr(removals, name, None) or getattr(courier_removals, name)
    found()
sys.argv = [service, *arguments]
runpy.run_module(service, run_name="__main__")
