"""Pictures and masks: found, read, checked, cut, learnt, scored, drawn."""
