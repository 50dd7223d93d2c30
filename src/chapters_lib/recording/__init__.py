"""What is recorded: runs, experiments and studies, judging, the scoreboard."""
