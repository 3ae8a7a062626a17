"""Container images in OCI layout, written without a container engine.

`read_base` and `write_layer` are programs: Pants runs each alone in a process, with an interpreter of the version that
the image runs on, so they import only the standard library. `manifest` writes the small files.
"""

from __future__ import annotations
