"""Parts that other people's tests need too: simulated cameras and their scenes, and stand-ins for the ports."""
