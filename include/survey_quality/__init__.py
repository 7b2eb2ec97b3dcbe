"""How carefully people answered: what is usual in a survey, and how far an answer is from it."""
