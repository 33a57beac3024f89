"""What the window is made of: Qt and numpy only, never torch.  Each widget owns one concern and runs alone."""
