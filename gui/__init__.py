"""The window. Imports engine; never names the library that trains, which is loaded late in the training thread."""
