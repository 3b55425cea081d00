"""What a check is: something that must hold, with a name."""

import time
import traceback

from botocore.exceptions import ClientError


class Checks:
    """The checks of an area, and how they came out."""

    def __init__(self, area):
        self.passed, self.failed = 0, []
        self.area = area

    def that(self, name, holds, shown=""):
        """Counts one check."""
        if holds:
            self.passed += 1
        else:
            self.failed.append(f"{self.area}: {name}")
            print(f"FAILED {self.area}: {name} {shown}", flush=True)
        return holds

    def equal(self, name, got, wanted):
        return self.that(name, got == wanted, f"\n  got    {got!r}\n  wanted {wanted!r}")

    def has(self, name, answer, *members):
        """Each member is there: one check a member."""
        for member in members:
            self.that(f"{name} answers {member}", isinstance(answer, dict) and member in answer, f"in {sorted(answer)}")

    def refused(self, name, code, call, status=None, words="", **arguments):
        """The call fails with this code (and status, and words in its message)."""
        try:
            answer = call(**arguments)
        except ClientError as error:
            said = error.response["Error"]
            self.equal(f"{name} is refused with {code}", said.get("Code"), code)
            if status:
                self.equal(f"{name} has status {status}", error.response["ResponseMetadata"]["HTTPStatusCode"], status)
            if words:
                self.that(f"{name} says {words!r}", words in said.get("Message", ""), said)
            return error
        except Exception as error:
            self.that(f"{name} is refused with {code}", False, f"but {error!r}")
            return None
        self.that(f"{name} is refused with {code}", False, f"but answered {answer}")
        return None

    def run(self, function, *arguments):
        """Runs the area's file; what it raises is a failure of the whole."""
        began = time.monotonic()
        try:
            function(self, *arguments)
        except Exception:
            self.failed.append(f"{self.area}: ended early")
            print(f"FAILED {self.area} ended early\n{traceback.format_exc()}", flush=True)
        print(f"{self.area}: {self.passed + len(self.failed)} checks, {time.monotonic() - began:.1f} s", flush=True)
        return self
