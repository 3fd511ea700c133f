"""What an answer looks like while it arrives and when it is there: in a notebook, in a terminal, or not at all."""
