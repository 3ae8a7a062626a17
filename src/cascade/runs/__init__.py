"""The stages of a run: extract, validate, stage, audit, publish; and the report of what it did.

    source ──► extract ──► validate ──► stage ──► audit ──► publish ──► RunReport
               batches     good rows,   rows on   checks    quarantine,
                           refusals     disk                one snapshot

Batches go through the first three stages one at a time. Each stage pushes into the next, because dlt pushes what it
extracts: pulling from it would need a second thread, which a deadline cannot interrupt.
"""
