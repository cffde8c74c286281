"""From a file to a verified folder: importer, driver, verification, command line."""
