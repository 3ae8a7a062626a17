"""SeaweedFS: an S3 store, and an Iceberg REST catalog whose tables are in it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cascade.exceptions import CascadeError
from cascade.services.service import Address, Launch, Missing, Service, http_trouble
from cascade.services.stack import ADDRESS, Stack, private_directory, write_private

TABLES = "tables"
"""The bucket of the tables of the REST catalog."""

FILES = "files"
"""An ordinary bucket, for anything else."""

_SECONDS = 120
# Both options of a part listen: HTTP and gRPC.
_PARTS = ("master", "volume", "filer", "s3")


def find_weed() -> Path | None:
    """Return the program of SeaweedFS: of this environment, else of the PATH; None if it is not installed."""
    places = (sysconfig.get_path("scripts"), *os.get_exec_path())
    found = shutil.which("weed", path=os.pathsep.join(places))
    return Path(found) if found else None


@dataclass(frozen=True)
class SeaweedFS(Service):
    """The server.

    Args:
        stack: the stack that it is part of.
        weed: the program; by default the installed one.
        options: further options of the program. They come last, and so before the others.
    """

    weed: Path | None = None
    options: Sequence[str] = ()

    name = "seaweedfs"
    seconds = 120.0
    stop_signal = signal.SIGTERM
    grace = 20.0

    @property
    def ports(self) -> tuple[int, ...]:
        """Those of its parts."""
        return tuple(port for name, port in self.stack.ports.items() if name not in ("postgres", "trino"))

    @property
    def marks(self) -> tuple[str, ...]:
        """Its option with the directory of its data."""
        return (f"-dir={self.directory / 'data'}",)

    @property
    def missing(self) -> Missing | None:
        """The program, if it is not installed."""
        if self._weed is not None:
            return None
        return Missing(
            "The program of SeaweedFS, weed, is not installed.",
            "pip install 'cascade-workflows[services]'  # or put weed on the PATH, for a PEX and under Pants",
        )

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The store and the catalog."""
        return (Address("S3", self.stack.url("s3")), Address("Iceberg REST catalog", self.stack.url("iceberg")))

    @property
    def store_settings(self) -> dict[str, str]:
        """The settings of the S3 store, with a warehouse for a catalog elsewhere."""
        return {
            "CASCADE_ICEBERG_WAREHOUSE": f"s3://{FILES}/warehouse",
            "CASCADE_S3_ENDPOINT": self.stack.url("s3"),
            "CASCADE_S3_ACCESS_KEY_ID": self.stack.secrets["s3_key"],
            "CASCADE_S3_SECRET_ACCESS_KEY": self.stack.secrets["s3_secret"],
        }

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the REST catalog and its warehouse."""
        return {
            "CASCADE_ICEBERG_CATALOG": self.stack.url("iceberg"),
            "CASCADE_CATALOG_CREDENTIAL": f"{self.stack.secrets['s3_key']}:{self.stack.secrets['s3_secret']}",
            **self.store_settings,
            "CASCADE_ICEBERG_WAREHOUSE": f"s3://{TABLES}",
        }

    def launch(self) -> Launch:
        """Write its identities, and return how to start it."""
        private_directory(self.directory)
        private_directory(self.directory / "data")
        write_private(self.directory / "s3.json", identities(self.stack))
        # Its sockets are in the directory for temporary files, and their paths have to be short.
        scratch = Path(tempfile.mkdtemp(prefix="cascade-weed-"))
        ports = {f"{part}.port{kind}": self.stack.ports[f"{part}{kind}"] for part in _PARTS for kind in ("", ".grpc")}
        ports["s3.port.iceberg"] = self.stack.ports["iceberg"]
        argv = [
            *(str(self._weed), "-logtostderr=true", "server", f"-dir={self.directory / 'data'}", "-filer", "-s3"),
            *(f"-ip={ADDRESS}", f"-ip.bind={ADDRESS}", "-master.telemetry=false", "-s3.port.lance=0"),
            # Its data is found again after its ports have changed.
            *("-volume.id=cascade", "-s3.iam=false", f"-s3.config={self.directory / 's3.json'}"),
            # As many volumes as the disk has room for.
            *("-master.volumeSizeLimitMB=256", "-volume.max=0"),
            *(f"-{name}={port}" for name, port in ports.items()),
            *self.options,
        ]
        return Launch(tuple(argv), self._environment(scratch), scratch=scratch)

    def trouble(self) -> str | None:
        """Ask the catalog, which starts last."""
        return http_trouble(f"{self.stack.url('iceberg')}/v1/config")

    def complete(self) -> None:
        """Create the buckets.

        Raises:
            CascadeError: the server did not create them.
        """
        with tempfile.TemporaryDirectory(prefix="cascade-weed-") as scratch:
            ports = self.stack.ports
            done = subprocess.run(
                [str(self._weed), "shell", f"-master={ADDRESS}:{ports['master']}.{ports['master.grpc']}"],
                input=BUCKETS,
                env=self._environment(Path(scratch)),
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        # The shell ends with 0 even if a command fails, such as for a bucket that exists.
        listed = {line.split()[0] for line in done.stdout.splitlines() if "size:" in line}
        if not {TABLES, FILES} <= listed:
            raise CascadeError(f"SeaweedFS did not create its buckets:\n{(done.stdout + done.stderr).strip()}")

    @cached_property
    def _weed(self) -> Path | None:
        return self.weed or find_weed()

    def _environment(self, scratch: Path) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory), "TMPDIR": str(scratch)}


BUCKETS = f"""\
s3tables.bucket -create -name {TABLES} -account admin
s3.bucket.create -name {FILES}
s3.bucket.list
"""
"""The commands of SeaweedFS's shell that create the buckets and list them."""


def identities(stack: Stack) -> str:
    """Return SeaweedFS's file of users: the one with the key of the stack."""
    identity = {
        "name": "admin",
        "credentials": [{"accessKey": stack.secrets["s3_key"], "secretKey": stack.secrets["s3_secret"]}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    return json.dumps({"identities": [identity]})
