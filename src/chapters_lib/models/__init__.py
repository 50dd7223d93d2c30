"""What is learned: networks and the distributions they return."""
