"""From what stands in a cell to the pieces of its prompt: context, files, template, text and values.

Nothing is imported here, so that the recorder of cells, which comes with the extension, stays light.
"""
