/** The content type of answers. */
export const JSON_TYPE = 'application/json; charset=utf-8';
