"""The process that archives and deletes: the only one that holds the key of archives and the right to delete footage. It serves nothing."""
