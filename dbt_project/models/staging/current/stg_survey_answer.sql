{{ staged_current(
    'survey_answer',
    change_time='updated_at',
    complete='version.answer_value is not null or version.answer_text is not null or version.is_not_applicable'
) }}
