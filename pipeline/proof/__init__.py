"""What a state proves, running or stopped: that no row is missing, and which lines a fact is made of.

    balance.py     the ledger's equations, and what does not add up in it
    sought.py      a fact by its id: its window and its row
    records.py     the records of batches that were read before

Nothing here changes a state. `pipeline.cli` asks, runs programs again and tells.
"""
