"""From a file to a graph: read, check, inline, bind shapes, find out where nodes come from."""
