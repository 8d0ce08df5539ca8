"""`python -m identity`: the bus process, and `migrate`, `parking`, `reseal`; `load-samples`, `add-staff`, which hash, without eventlet."""

import sys

if sys.argv[1:2] == ["load-samples"]:
    from identity.samples import main as load_samples

    sys.exit(load_samples(sys.argv[2:]))
if sys.argv[1:2] == ["add-staff"]:
    from identity.staff import main as add_staff

    sys.exit(add_staff(sys.argv[2:]))

import chassis.green  # noqa: F401, I001  # eventlet patches the standard library before anything else is imported

from chassis.runner import main
from identity.adapters.tables import SEALED
from identity.service import IdentityService
from identity.settings import Settings

sys.exit(main(IdentityService, Settings, sys.argv[1:], sealed=SEALED))
