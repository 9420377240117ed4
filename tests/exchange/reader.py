"""A process of its own that reads files as a worker does, and tells what each of them cost.

Runs come in line by line as JSON, answers go out in the same way.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from uuid import UUID

from skarbnik.exchange.tasks import read_file
from skarbnik.settings import read_settings
from skarbnik.tenancy.instance import Instance


def peak() -> float:
    """Megabytes this process has needed at most since it began."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024 * 1024)


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # so that no log is taken for an answer
    instance = Instance(read_settings(), pool=4)
    for words in sys.stdin:
        tenant_id, run_id = json.loads(words)
        began = time.perf_counter()
        answer = read_file(instance.registry.get(tenant_id), UUID(run_id))
        told = {"again": answer is not None, "seconds": time.perf_counter() - began, "megabytes": peak()}
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
