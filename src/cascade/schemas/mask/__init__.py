"""A mask compiled from a pydantic model, which proves rows valid column by column, in Polars over Arrow.

    batch ──► columns ──► mask ──► rows that it clears, already converted ──► the table
                            └────► every other row ──► pydantic

The mask never refuses a row. It clears a row only if it can prove that pydantic accepts the row and returns the value
that the mask computed. Whatever it cannot prove, pydantic decides: a value in an unusual form, NaN under a bound, an
integer beyond 64 bits, or a whole column whose rules are written in Python.
"""
