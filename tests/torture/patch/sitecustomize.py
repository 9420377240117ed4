"""Changes a few lines of the product while Python loads it, in the processes of one stack and nowhere else.

Python imports a module of this name at its start when its folder is on the path. Only the torture puts it there.
"""

import importlib.abc
import importlib.machinery
import json
import os
import sys

CHANGES = json.loads(os.environ.get("SKARBNIK_TORTURE_MUTANT", "[]"))


class ChangedLoader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname):
        source = self.get_data(self.path).decode()
        for module, old, new in CHANGES:
            if module == fullname:
                if source.count(old) != 1:
                    raise ImportError(f"the mutant of {fullname} does not fit any more: {old!r}")
                source = source.replace(old, new)
        return compile(source, self.path, "exec")


class Changer(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if fullname not in {module for module, _, _ in CHANGES}:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        spec.loader = ChangedLoader(fullname, spec.origin)
        return spec


sys.meta_path.insert(0, Changer())
