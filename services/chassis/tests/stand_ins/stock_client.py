"""`python -m services.chassis.tests.stand_ins.stock_client URL JSON`: a stock nameko client, as anybody would try the bus out.

JSON: [[method, request, assertion or ""], …] of service `echo`; prints what became of each.
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")  # the versions it was last released with deprecate much of it

from nameko.exceptions import RemoteError  # noqa: E402
from nameko.standalone.rpc import ClusterRpcProxy  # noqa: E402

outcomes = []
for method, request, assertion in json.loads(sys.argv[2]):
    context = {"assertion": assertion} if assertion else {}
    with ClusterRpcProxy({"AMQP_URI": sys.argv[1]}, context_data=context, timeout=10) as cluster:
        try:
            outcomes.append(["result", getattr(cluster.echo, method)(request)])
        except RemoteError as error:
            outcomes.append([error.exc_type, error.value])
print(json.dumps(outcomes))
