"""Templates and the inputs they are rendered with."""
