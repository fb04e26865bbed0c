"""Parts shared by the use cases of many secrets."""
