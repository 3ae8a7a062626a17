"""The Pants backend for Cascade: every workflow of a monorepo, known from its BUILD files.

The package imports nothing of the Cascade runtime. It runs in the interpreter of Pants; the runtime runs in processes,
with the requirements of the user's resolve.
"""
