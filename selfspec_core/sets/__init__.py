"""Where evaluation items come from: files, and public sets by a mapping."""
