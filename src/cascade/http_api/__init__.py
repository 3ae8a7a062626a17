"""The HTTP API of `cascade serve`: the lakehouse and the state of the project, for reading.

Its modules import FastAPI, which is an extra, so nothing but that command imports them.
"""
