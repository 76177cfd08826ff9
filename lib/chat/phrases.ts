import { detectLanguage } from "#lib/knowledge/language.ts"

const notFound: Record<string, string> = {
  en: "I could not find that in this website's own information. You can rephrase your question, or leave your contact details and someone will get back to you.",
  de: "Dazu habe ich in den Informationen dieser Website nichts gefunden. Formulieren Sie die Frage gern anders, oder hinterlassen Sie Ihre Kontaktdaten – dann meldet sich jemand bei Ihnen.",
  fr: "Je n’ai pas trouvé cela dans les informations de ce site. Vous pouvez reformuler votre question ou laisser vos coordonnées pour être recontacté.",
  es: "No he encontrado eso en la información de este sitio. Puede reformular la pregunta o dejar sus datos de contacto para que le respondan.",
  tr: "Bunu bu sitenin kendi bilgilerinde bulamadım. Sorunuzu başka bir şekilde sorabilir ya da iletişim bilgilerinizi bırakabilirsiniz; size dönüş yapılır.",
  ar: "لم أجد ذلك في معلومات هذا الموقع. يمكنك إعادة صياغة سؤالك أو ترك بيانات التواصل ليتم الرد عليك.",
}

/** "Not in the documents", in the question's language as far as we speak it, else the bot's, else English. */
export function notFoundPhrase(question: string, botLocale: string | null): string {
  const language = detectLanguage(question) ?? botLocale?.slice(0, 2) ?? "en"
  return notFound[language] ?? notFound[botLocale?.slice(0, 2) ?? ""] ?? notFound.en!
}
