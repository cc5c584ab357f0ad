"""Every page in every state: walked by the tests of the look, and photographed."""
