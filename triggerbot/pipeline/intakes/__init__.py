"""Where events come from. An intake hears, has it observed, and only then acknowledges or moves on."""
