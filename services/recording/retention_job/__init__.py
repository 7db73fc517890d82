"""The process that archives and deletes: in a cluster the only one with the key of archives and the right to delete footage. It serves nothing."""
