

def test_an_article_in_front_of_random_characters_is_no_placeholder() -> None:
    """`a_` may begin a password; `my_password` and `a-long-secret` tell what to put."""
    assert why_not("a_Vo7O4" + "5v!Weup", strict=True) == ""
    assert why_not("my_password", strict=True) == "placeholder"
    assert why_not("a-long-secret", strict=True) == "placeholder"
