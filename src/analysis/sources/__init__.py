"""Raw files to canonical tables: readers, presets, mapping, rejects, the simulated company."""
