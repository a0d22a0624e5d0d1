"""`fab watch`: every run that is alive, looked at without a change to any of them."""
