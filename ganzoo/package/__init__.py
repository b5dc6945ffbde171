"""Model packages: the directories that runs write, `ganzoo.load` reads and `ganzoo.publish` sends to the Hub."""
