"""What is trained: one file a job. Beside them what any job needs; in text/ and pictures/ what a kind of job shares."""
