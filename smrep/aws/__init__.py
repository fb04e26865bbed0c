"""The only door to AWS: boto3 lives here and nowhere else."""
