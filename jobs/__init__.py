"""What is trained: one file a job. Beside them, under the noun it is, what several jobs share."""
